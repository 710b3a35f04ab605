import { RULES } from '../lib/rules/check-objects';
import { documentationOf, type Finding, type Rule } from '../lib/rules/rule';
import { dotted } from '../lib/rules/shape';
import type { ManifestObject } from './manifest-file';

/** What was checked and what was found in it. */
export interface Report {
  readonly objects: readonly ManifestObject[];
  readonly findings: readonly Finding[];
}

const ROWS = new Map<string, Rule>(RULES.map((rule) => [rule.id, rule]));

/** A report for people: a line a finding, in the form that editors and CI systems know, the remedy below it, and a summary. */
export function textReport(report: Report): string {
  const { objects, findings } = report;
  const lines = findings.flatMap((finding) => {
    const { severity, rule, object, message } = finding;
    const { file, line } = positionOf(report, finding);
    return [`${file}:${String(line)}: ${severity}: ${object}: ${message} (${rule})`, `    ${ROWS.get(rule)!.fix}; see ${documentationOf(rule)}`];
  });
  const counts = (['error', 'warning'] as const).map((severity) => counted(findings.filter((finding) => finding.severity === severity).length, severity));
  return [...lines, `${findings.length === 0 ? 'nothing found' : counts.join(' and ')} in ${counted(objects.length, 'object')}`, ''].join('\n');
}

/** A report for programs. */
export function jsonReport(report: Report): string {
  const { objects, findings } = report;
  const rows = findings.map((finding) => {
    const { rule, severity, message, place } = finding;
    const { explanation, fix } = ROWS.get(rule)!;
    const { kind, metadata: { name, ...metadata } } = objects[finding.index]!.object;
    const { namespace } = metadata as { namespace?: string };
    return { ...positionOf(report, finding), severity, rule, kind, namespace, name, path: dotted(place), message, explanation, fix, documentation: documentationOf(rule) };
  });
  return `${JSON.stringify({ version: 1, objects: objects.length, findings: rows }, undefined, 2)}\n`;
}

function positionOf({ objects }: Report, { index, place }: Finding): { file: string; line: number } {
  const { file, lineOf } = objects[index]!;
  return { file, line: lineOf(place) };
}

function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}
