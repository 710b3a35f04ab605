import { Platform } from '../../lib/platform';
import type { RenderedObject } from './chart-manifests';
import type { Faults } from './faults';
import { manifestText } from './manifest-text';

/** The YAML text of an object; as a Helm template where that is the delivery, in which `{{` must not begin an action. */
export function objectText({ object, manifest }: RenderedObject): string {
  const text = manifestText(manifest);
  return Platform.of(object).delivery.name === 'helm' ? text.replaceAll('{{', '{{ "{{" }}') : text;
}

/** The texts of some objects; what cannot be written is noted. */
export function objectTexts(objects: readonly RenderedObject[], faults: Faults): string[] {
  return objects.map((object) => faults.keep(() => objectText(object)) ?? '');
}

/** Documents as one YAML text. */
export function joined(documents: readonly string[]): string {
  return documents.join('---\n');
}
