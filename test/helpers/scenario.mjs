/**
 * Runs an exported function of a module in this thread, or this process. Where the module was not compiled, tsx loads it: Node
 * 20's workers can't load .ts themselves.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

const { module, name, argument } = isMainThread ? JSON.parse(process.argv[2]) : workerData;
const compiled = module.replace(/ts$/, 'js');
const isCompiled = existsSync(fileURLToPath(compiled));
if (!isCompiled) (await import('tsx/esm/api')).register();
const scenarios = await import(isCompiled ? compiled : module);
const result = await scenarios[name](argument);
if (isMainThread) process.stdout.write(JSON.stringify(result ?? null));
else parentPort.postMessage(result);
