/** Every operation, by its name. */
export * from './attributes.ts';
export * from './data.ts';
export * from './futexes.ts';
export * from './paths.ts';
export * from './rings.ts';
export * from './sockets.ts';
export * from './transfers.ts';
export * from './waiting.ts';
