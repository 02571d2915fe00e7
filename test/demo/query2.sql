-- types, conversions and the edges of numbers
SELECT 9223372036854775807 + 1, -9223372036854775808, 9223372036854775807 / -1, -9223372036854775808 % -1, 5 / 0, 7 % -3;
SELECT 1e308 * 10, -1e308 * 10, 0.1 + 0.2, 1 / 3.0, 123456789012345678, 1.5e-320, round(2.5), round(-2.567, 2);
SELECT CAST('12abc' AS INT), CAST('1e3' AS REAL), CAST(1e19 AS INT), CAST(-3.99 AS INT), typeof(1.0), hex(zeroblob(3));
SELECT printf('%08.3f|%-8d|%+d|%x|%e|%g|%!.15g|%,d', 3.14159, 42, 7, 255, 12345.678, 1e-7, 0.1, 123456789);
SELECT abs(-9.5), max(1, 2.5, '3'), min('b', 'a'), length('naïve'), upper('straße'), substr('hello', -3, 2), instr('abcabc', 'ca');
SELECT replace('a-b-c', '-', '+'), trim('  x '), quote(x'00ff'), unicode('€'), char(8364, 65), 'abc' GLOB 'a*', 'ABC' LIKE 'a_c';
SELECT 1 << 62, 1 << 63, 1 << 64, -1 >> 1, ~5, 6 & 3, 6 | 3, 1 = 1.0, '1' = 1, NULL IS NULL, NULL = NULL;
SELECT date('2024-02-29', '+1 year'), strftime('%j %W %s', '2023-12-31 23:59:59'), julianday('2000-01-01'), time('12:34', '-90 minutes');
-- JSON
SELECT json_extract('{"a":[1,2.5,{"b":"x"}]}', '$.a[2].b'), json_array(1, 'two', NULL), json_type('[1]'), json_patch('{"a":1}', '{"b":2}');
SELECT key, value, type, path FROM json_tree('{"k":[true,{"z":null}],"n":-1e3}');
-- triggers, views, upserts, foreign keys, savepoints
PRAGMA foreign_keys = 1;
CREATE TABLE parent(id INTEGER PRIMARY KEY, name TEXT UNIQUE COLLATE NOCASE);
CREATE TABLE child(id INTEGER PRIMARY KEY, parent REFERENCES parent ON DELETE CASCADE, v REAL CHECK (v < 1000), w AS (v * 2) STORED);
CREATE TABLE log(what TEXT);
CREATE TRIGGER gone AFTER DELETE ON child BEGIN INSERT INTO log VALUES('child ' || old.id || ' of ' || old.parent); END;
CREATE VIEW sums AS SELECT name, count(c.id) AS n, sum(w) AS total FROM parent p LEFT JOIN child c ON c.parent = p.id GROUP BY p.id;
INSERT INTO parent(name) VALUES ('Ann'), ('Bob'), ('Cy');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO child(parent, v) SELECT 1 + i % 3, i * 1.25 FROM n;
INSERT INTO parent(name) VALUES ('ann') ON CONFLICT(name) DO UPDATE SET name = excluded.name || '!' RETURNING id, name;
SELECT * FROM sums;
SAVEPOINT s;
DELETE FROM parent WHERE name = 'bob';
SELECT count(*), min(what), max(what) FROM log;
ROLLBACK TO s;
SELECT count(*) FROM log;
DELETE FROM parent WHERE id = 3;
SELECT * FROM sums;
SELECT count(*) FROM log;
CREATE TABLE wide(a PRIMARY KEY, b) WITHOUT ROWID;
INSERT INTO wide SELECT hex(v), randomblob(0) || id FROM child;
SELECT count(DISTINCT a), count(b) FROM wide;
EXPLAIN SELECT name, sum(v) FROM parent JOIN child ON parent.id = child.parent WHERE v > 10 GROUP BY name HAVING count(*) > 2 ORDER BY 2;
PRAGMA integrity_check;
.schema
.dump parent
