import { checkObjects } from '../lib/rules/check-objects';
import type { Severity } from '../lib/rules/rule';
import { readManifests } from './manifest-file';
import { jsonReport, textReport } from './report';

/** How manifests are validated. */
export interface ValidateOptions {
  /** `text` for people, `json` for programs. */
  readonly format: 'json' | 'text';
  /** The least severity that counts. */
  readonly severity: Severity;
}

/**
 * Checks files of manifests, all of which count as applied together.
 *
 * @returns the report and whether anything was found
 * @throws UnreadableInput if a file cannot be read
 */
export function validate(files: readonly string[], { format, severity }: ValidateOptions): { report: string; isClean: boolean } {
  const objects = readManifests(files);
  const findings = checkObjects(objects.map(({ object }) => object)).filter((finding) => severity === 'warning' || finding.severity === 'error');
  const report = format === 'json' ? jsonReport({ objects, findings }) : textReport({ objects, findings });
  return { report, isClean: findings.length === 0 };
}
