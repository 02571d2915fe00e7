CREATE TABLE t(id INTEGER PRIMARY KEY, word TEXT, number INT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO t SELECT i, printf('%x-%d', i * 7919 % 65536, i), i * i FROM n;
CREATE INDEX w ON t(word);
BEGIN;
UPDATE t SET word = 'lost';
ROLLBACK;
DELETE FROM t WHERE number % 5 = 1;
PRAGMA integrity_check;
SELECT count(*), sum(number), min(word), max(word) FROM t;
VACUUM;
PRAGMA integrity_check;
