import { readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';

import { renderReadme } from './readme';

const file = path.join(__dirname, '..', 'README.md');
writeFileSync(file, renderReadme(readFileSync(file, 'utf8'), path.join(__dirname, '..')));
