import { readdirSync } from 'node:fs';
import * as path from 'node:path';

// Every folder here is a program of its own; together they fill one output directory, a file for each chart.
const folders = readdirSync(__dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();
for (const folder of folders) {
  require(path.join(__dirname, folder, 'main.ts'));
}
