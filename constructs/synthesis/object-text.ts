import type { ApiObject } from 'cdk8s';

import { Platform } from '../../lib/platform';
import type { Faults } from './faults';
import { manifestText } from './manifest-text';

/** The YAML text of an object; as a Helm template where that is the delivery, in which `{{` must not begin an action. */
export function objectText(object: ApiObject, manifest: unknown = object.toJson()): string {
  const text = manifestText(manifest);
  return Platform.of(object).delivery.name === 'helm' ? text.replaceAll('{{', '{{ "{{" }}') : text;
}

/** The texts of some objects; what cannot be rendered is noted. */
export function objectTexts(objects: readonly ApiObject[], faults: Faults): string[] {
  return objects.map((object) => faults.keep(() => objectText(object)) ?? '');
}

/** Documents as one YAML text. */
export function joined(documents: readonly string[]): string {
  return documents.join('---\n');
}
