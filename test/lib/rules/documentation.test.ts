import { readFileSync } from 'node:fs';
import * as path from 'node:path';

import { renderRulesPage } from '../../../docs/rules-page';
import { RULES } from '../../../lib/rules/check-objects';
import { documentationOf } from '../../../lib/rules/rule';

const PAGE = readFileSync(path.join(__dirname, '../../../docs/rules.md'), 'utf8');

test('docs/rules.md is current; `npm run docs` brings it up to date', () => {
  expect(renderRulesPage(PAGE)).toBe(PAGE);
});

test('a page without a place for the rules is an error', () => {
  expect(() => renderRulesPage('# Rules\n')).toThrow(new Error('docs/rules.md has no place for the rules; write <!-- rules --> and <!-- end --> on lines of their own'));
});

test('every rule is documented where findings say that it is', () => {
  const headings = [...PAGE.matchAll(/^### (\S+)$/gm)].map((match) => documentationOf(match[1]!));

  expect(headings).toEqual(RULES.map(({ id }) => documentationOf(id)));
});
