import type { GlmModel } from '../models/glm-model';

/**
 * Throws if patterns would drop a file that the model needs: its configuration, remote code, tokenizer or weights.
 *
 * @param include globs of the files that are taken; none for all
 * @param exclude globs of the files that are left out
 */
export function checkPatterns(model: GlmModel, include: readonly string[], exclude: readonly string[]): void {
  [...include, ...exclude].forEach(checkPattern);
  for (const file of model.essentialFiles) {
    const excluding = exclude.find((pattern) => globMatches(pattern, file));
    if (excluding !== undefined) {
      throw new Error(`'exclude' has '${excluding}', which drops ${file}; ${model.name} does not load without it`);
    }
    if (include.length > 0 && !include.some((pattern) => globMatches(pattern, file))) {
      throw new Error(`'include' (${include.join(', ')}) drops ${file}; ${model.name} does not load without it`);
    }
  }
}

/** Throws unless a glob stays inside the repository and is no option of the script that gets it. */
export function checkPattern(pattern: string): void {
  if (pattern.trim() === '' || /^[-/]/.test(pattern) || pattern.split('/').includes('..')) {
    throw new Error(`a file pattern must be a glob inside the repository, like '*.py', got '${pattern}'`);
  }
}

/** Whether a glob matches a path, as Python's fnmatch and fetch_weights.py see it: `*` and `?` match `/` too. */
export function globMatches(pattern: string, file: string): boolean {
  const expression = pattern.replace(/[.+^${}()|\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.').replace(/\[!/g, '[^').replace(/\[(?![^\]]+\])/g, '\\[');
  return new RegExp(`^${expression}$`).test(file);
}
