import { readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';

import { renderReadme } from './readme';
import { renderRulesPage } from './rules-page';

const readme = path.join(__dirname, '..', 'README.md');
writeFileSync(readme, renderReadme(readFileSync(readme, 'utf8'), path.join(__dirname, '..')));

const rules = path.join(__dirname, 'rules.md');
writeFileSync(rules, renderRulesPage(readFileSync(rules, 'utf8')));
