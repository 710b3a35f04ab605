import { existsSync, readdirSync } from 'node:fs';
import * as path from 'node:path';

// Every folder here is a program of its own; together they fill one output directory, a file for each chart. A folder with a package.json is a repository
// to copy, with an output directory of its own.
const folders = readdirSync(__dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name)
  .filter((name) => !existsSync(path.join(__dirname, name, 'package.json'))).sort();
for (const folder of folders) {
  require(path.join(__dirname, folder, 'main.ts'));
}
