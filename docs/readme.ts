import { readFileSync } from 'node:fs';
import * as path from 'node:path';

import { readmeTables } from './readme-tables';

const PLACE = /<!-- (table|file) ([\w./-]+) -->\n[\s\S]*?\n<!-- end -->/g;

/**
 * README.md with its generated places filled: `<!-- table NAME -->` from the catalogues, `<!-- file PATH -->` with the text of a file.
 *
 * @throws if a place names no table
 */
export function renderReadme(text: string, root: string): string {
  const tables = readmeTables();
  return text.replace(PLACE, (_, kind: string, name: string) => `<!-- ${kind} ${name} -->\n${kind === 'table' ? tableOf(tables, name) : fence(root, name)}\n<!-- end -->`);
}

function tableOf(tables: Readonly<Record<string, string>>, name: string): string {
  const table = tables[name];
  if (table === undefined) {
    throw new Error(`README.md names the table '${name}'; there are ${Object.keys(tables).join(', ')}`);
  }
  return table;
}

function fence(root: string, file: string): string {
  return `\`\`\`ts\n${readFileSync(path.join(root, file), 'utf8').trimEnd()}\n\`\`\``;
}
