import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import * as path from 'node:path';

const MARKER = '.cdk8s-chatglm.json';
const LONG = 4096;

interface MarkerText { readonly files: readonly { readonly path: string; readonly size: number }[] }

/** What is on a claim: text by path, or its digest where it is long. */
export interface ClaimFiles { [name: string]: string }

/**
 * Reads a claim without what differs between two runs that did the same: times and the places of this machine, logs, leases, and what `passing` names.
 *
 * @param places this machine's own names, such as folders and addresses
 */
export function claimFiles(folder: string, places: readonly string[], passing?: RegExp): ClaimFiles {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
    .filter((name) => statSync(path.join(folder, name), { throwIfNoEntry: false })?.isFile() === true && !isPassing(name, passing));
  return Object.fromEntries(names.map((name) => {
    const text = timeless(readFileSync(path.join(folder, name), 'utf8'), places);
    return [sameName(name), path.basename(name) === MARKER ? lasting(path.dirname(name), text, passing) : short(text)];
  }));
}

function isPassing(name: string, passing: RegExp | undefined): boolean {
  return /(^|\/)log\/|\.lease(\/|$)/.test(name) || passing?.test(name) === true;
}

/** MindSpore puts a number behind the rank's in the names of a run that finds files of another. */
function sameName(name: string): string {
  return name.replace(/(_rank_\d+)_\d+-/, '$1-');
}

function timeless(text: string, places: readonly string[]): string {
  const without = text.replace(/"created": *"[^"]*"/, '"created": ""').replace(/"seconds": *[\d.e-]+/g, '"seconds": 0');
  return places.reduce((left, place) => left.replaceAll(place, ''), without);
}

function short(text: string): string {
  return text.length > LONG ? `${String(text.length)} characters of ${createHash('sha256').update(text).digest('hex')}` : text;
}

/** A marker without the sizes of files that tell how long something took. */
function lasting(directory: string, text: string, passing: RegExp | undefined): string {
  const marker = JSON.parse(text) as MarkerText;
  const files = marker.files.filter((file) => !isPassing(`${directory}/${file.path}`, passing));
  return JSON.stringify({ ...marker, files: files.map((file) => ({ ...file, path: sameName(file.path), size: file.path === 'answers.jsonl' ? 0 : file.size })) });
}
