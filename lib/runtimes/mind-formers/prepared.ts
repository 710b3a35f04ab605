import type { Artifact } from '../../artifacts/artifact';

/** The files of data sets that PrepareDataset makes. */
const PREPARED = new WeakMap<Artifact, readonly string[]>();

/** Notes the files of a data set. */
export function prepared(dataset: Artifact, files: readonly string[]): Artifact {
  PREPARED.set(dataset, files);
  return dataset;
}

/** Throws if a data set is known not to have the file, which devices would wait for in vain. */
export function checkPrepared(dataset: Artifact, file: string, reader: string, remedy: string): void {
  const files = PREPARED.get(dataset);
  if (files?.includes(file) === false) {
    throw new Error(`'dataset' ${dataset.directory} has ${files.join(' and ')}, but ${reader} reads ${file}; ${remedy}`);
  }
}
