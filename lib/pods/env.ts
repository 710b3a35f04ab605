import type { V1EnvVar } from '@kubernetes/client-node';

import type { CommandPart, EnvEntry } from './pod-fragment';

const REFERENCE = /\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)/g;

/**
 * Renders environment variables for a container: literals are escaped, and a template stands behind the variables it
 * refers to, because the kubelet expands `$(NAME)` only for names that came before.
 */
export function renderEnv(entries: readonly EnvEntry[]): V1EnvVar[] {
  return inReferenceOrder(entries).map(render);
}

/** Renders a command: literal words are escaped, templates are left for the kubelet to expand. */
export function renderCommand(parts: readonly CommandPart[]): string[] {
  return parts.map((part) => typeof part === 'string' ? escapeReferences(part) : part.template);
}

/**
 * Escapes what the kubelet would take for a reference to a variable, in `env` values, `command` and `args` alike. It also takes `$$` for an
 * escaped `$`, so those are doubled too.
 */
export function escapeReferences(text: string): string {
  return text.replace(/\$(?=[$(])/g, '$$$$');
}

function render(entry: EnvEntry): V1EnvVar {
  if (entry.valueFrom !== undefined) {
    return { name: entry.name, valueFrom: entry.valueFrom };
  }
  return { name: entry.name, value: entry.template ?? escapeReferences(entry.value ?? '') };
}

function inReferenceOrder(entries: readonly EnvEntry[]): EnvEntry[] {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const ordered = new Set<EnvEntry>();
  const visit = (entry: EnvEntry, path: readonly string[]): void => {
    if (path.includes(entry.name)) {
      throw new Error(`environment variables refer to each other in a circle: ${[...path, entry.name].join(' -> ')}`);
    }
    for (const name of references(entry)) {
      const target = byName.get(name);
      if (target !== undefined && !ordered.has(target)) {
        visit(target, [...path, entry.name]);
      }
    }
    ordered.add(entry);
  };
  entries.forEach((entry) => { visit(entry, []); });
  return [...ordered];
}

function references(entry: EnvEntry): string[] {
  return [...(entry.template ?? '').matchAll(REFERENCE)].map((match) => match[1]!);
}
