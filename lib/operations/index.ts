/** Every operation, by its name. */
export * from './data.ts';
export * from './paths.ts';
export * from './rings.ts';
export * from './sockets.ts';
export * from './waiting.ts';
