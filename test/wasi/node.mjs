// Runs one program under node's WASI: node node.mjs FILE.wasm TMP RO ENV ARGS...
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

const [file, tmp, ro, env, ...args] = process.argv.slice(2);
const wasi = new WASI({
  version: 'preview1',
  args: ['program', ...args],
  env: env ? Object.fromEntries([env.split('=')]) : {},
  preopens: { '/ro': ro, '/tmp': tmp },
});
const { instance } = await WebAssembly.instantiate(await readFile(file), { wasi_snapshot_preview1: wasi.wasiImport });
process.exit(wasi.start(instance));
