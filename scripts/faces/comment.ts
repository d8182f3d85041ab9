/** Comments in generated files. */

/** liburing's manual page of a function. */
export function manPageOf(name: string): string {
  return `io_uring_prep_${name.replace(/[A-Z]/g, (each) => `_${each.toLowerCase()}`)}(3)`;
}

/** A comment of lines that are wrapped at `width`. */
export function comment(lines: readonly string[], indent: string, width = 108): string {
  const room = width - indent.length - 3;
  const wrapped = lines.flatMap((line) => {
    const rows: string[] = [];
    for (const word of line.split(' ')) {
      const last = rows.at(-1);
      const hanging = line.startsWith('@') && rows.length > 0 ? '  ' : '';
      if (last !== undefined && last.length + 1 + word.length <= room)
        rows[rows.length - 1] = `${last} ${word}`;
      else rows.push(hanging + word);
    }
    return rows;
  });
  if (wrapped.length === 1) return `${indent}/** ${wrapped[0]} */\n`;
  return `${indent}/**\n${wrapped.map((row) => `${indent} * ${row}\n`).join('')}${indent} */\n`;
}
