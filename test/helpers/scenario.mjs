/** Runs an exported function of a TypeScript module in this thread, or this process. Node 20's workers can't load .ts themselves. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
const { module, name, argument } = isMainThread ? JSON.parse(process.argv[2]) : workerData;
const scenarios = await import(module);
const result = await scenarios[name](argument);
if (isMainThread) process.stdout.write(JSON.stringify(result ?? null));
else parentPort.postMessage(result);
