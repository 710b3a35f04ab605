import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';

const STAGING = '.synth-';

/** Another synth into the same folder may still be at it; one that was killed is not. In milliseconds. */
const LEFT_OVER = 3_600_000;

/**
 * A folder of files that change together: new texts wait in a hidden folder inside it until all are there, then each is renamed to its place. A file whose
 * text is the same is not touched.
 */
export class OutputFolder {
  private readonly staging: string;
  private readonly written = new Set<string>();
  private readonly changed = new Set<string>();
  private readonly folders = new Set<string>();
  private readonly staged = new Set<string>();
  private readonly control = new Set<string>();

  public constructor(private readonly directory: string) {
    mkdirSync(directory, { recursive: true });
    removeLeftOvers(directory);
    this.staging = mkdtempSync(path.join(directory, STAGING));
  }

  /** Puts a file, by its path inside the folder. The last text put for a path counts. `control` is for what tells a tool how to apply the manifests. */
  public put(file: string, text: string, { executable = false, control = false } = {}): void {
    this.written.add(file);
    if (control) {
      this.control.add(file);
    }
    if (isSame(path.join(this.directory, file), text)) {
      this.changed.delete(file);
      return;
    }
    this.changed.add(file);
    this.stage(path.dirname(file));
    writeFileSync(path.join(this.staging, file), text, { mode: executable ? 0o777 : 0o666 });
  }

  /** Every file that was put and ends so, sorted, without those that control how the others are applied. */
  public manifests(ending: string): string[] {
    return [...this.written].filter((file) => file.endsWith(ending) && !this.control.has(file)).sort();
  }

  /** Makes a folder inside, which may stay empty. */
  public putFolder(folder: string): void {
    this.folders.add(folder);
  }

  /** Moves what changed to its place. */
  public commit(): void {
    const folders = new Set([...this.folders, ...[...this.changed].map((file) => path.dirname(file))]);
    folders.forEach((folder) => { mkdirSync(path.join(this.directory, folder), { recursive: true }); });
    this.changed.forEach((file) => { renameSync(path.join(this.staging, file), path.join(this.directory, file)); });
    this.discard();
  }

  /**
   * Removes files with an ending that were not put, here and so many folders deep, with the `kustomization.yaml` that lists them, and the folders that this empties. Links
   * and hidden files stay.
   */
  public prune(ending: string, depth: number): void {
    this.pruneFolder('', ending, depth);
  }

  /** Forgets what was not committed. */
  public discard(): void {
    rmSync(this.staging, { recursive: true, force: true });
  }

  private stage(folder: string): void {
    if (!this.staged.has(folder)) {
      mkdirSync(path.join(this.staging, folder), { recursive: true });
      this.staged.add(folder);
    }
  }

  /** Whether anything was removed, here or below. */
  private pruneFolder(folder: string, ending: string, depth: number): boolean {
    const entries = readdirSync(path.join(this.directory, folder), { withFileTypes: true }).filter(({ name }) => !name.startsWith('.'));
    const unwritten = entries.filter((entry) => entry.isFile()).map(({ name }) => path.join(folder, name)).filter((file) => !this.written.has(file));
    const files = unwritten.filter((file) => file.endsWith(ending));
    const lists = files.length > 0 ? unwritten.filter((file) => path.basename(file) === 'kustomization.yaml') : [];
    [...files, ...folder === '' ? [] : lists].forEach((file) => { rmSync(path.join(this.directory, file)); });
    const below = entries.filter((entry) => depth > 0 && entry.isDirectory()).map(({ name }) => this.pruneFolder(path.join(folder, name), ending, depth - 1));
    const hasRemoved = files.length > 0 || below.includes(true);
    const isEmpty = readdirSync(path.join(this.directory, folder)).length === 0;
    if (folder !== '' && hasRemoved && isEmpty && !this.folders.has(folder)) {
      rmdirSync(path.join(this.directory, folder));
    }
    return hasRemoved;
  }
}

function removeLeftOvers(directory: string): void {
  readdirSync(directory).filter((name) => name.startsWith(STAGING)).map((name) => path.join(directory, name))
    .filter((folder) => Date.now() - statSync(folder).mtimeMs > LEFT_OVER)
    .forEach((folder) => { rmSync(folder, { recursive: true, force: true }); });
}

/** A different size saves reading the file. */
function isSame(file: string, text: string): boolean {
  const known = statSync(file, { throwIfNoEntry: false });
  return known?.isFile() === true && known.size === Buffer.byteLength(text) && readFileSync(file, 'utf8') === text;
}
