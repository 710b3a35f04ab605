import { RULE_GROUPS } from '../lib/rules/check-objects';
import type { Rule } from '../lib/rules/rule';

const PLACE = /<!-- rules -->\n[\s\S]*?\n<!-- end -->/;

/**
 * docs/rules.md with its generated place, `<!-- rules -->`, filled from the rows.
 *
 * @throws if it has no such place
 */
export function renderRulesPage(text: string): string {
  if (!PLACE.test(text)) {
    throw new Error('docs/rules.md has no place for the rules; write <!-- rules --> and <!-- end --> on lines of their own');
  }
  const groups = Object.entries(RULE_GROUPS).map(([title, rules]) => [`## ${title}`, ...rules.map(section)].join('\n\n'));
  return text.replace(PLACE, () => `<!-- rules -->\n${groups.join('\n\n')}\n<!-- end -->`);
}

function section({ id, severity, explanation, fix, comparesObjects }: Rule): string {
  return [
    `### ${id}`, `**${severity}**${comparesObjects === true ? ', compares objects' : ''}: ${sentence(explanation)}`, `*Remedy:* ${sentence(fix)}`,
  ].join('\n\n');
}

/** What looks like a place holder would be taken for HTML. */
function sentence(text: string): string {
  return `${text.replace(/</g, '&lt;')}.`;
}
