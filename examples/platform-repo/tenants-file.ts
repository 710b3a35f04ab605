import Ajv, { type ErrorObject } from 'ajv';
import { readFileSync } from 'node:fs';
import { type Document, isMap, isNode, isSeq, LineCounter, parseDocument, visit } from 'yaml';

import { OFFERS } from './catalogue';
import { CLUSTERS } from './clusters';
import schema from './tenants.schema.json';

/** A server of a tenant. The schema tells what the fields mean. */
export interface ServedModel {
  readonly model: string;
  readonly chip: string;
  readonly devices: number;
  readonly replicas: number;
  readonly contextLength: number;
  readonly host?: string;
  readonly clients: readonly string[];
}

/** A tenant in one environment of one cluster. */
export interface Tenant {
  readonly group: string;
  readonly quota: Readonly<Record<string, number>>;
  readonly models: Readonly<Record<string, ServedModel>>;
}

/** The file: tenants by cluster, environment and name. */
export interface Tenants {
  readonly clusters: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Tenant>>>>>>;
  /** Where a field stands, as errors begin: `<file>:<line>: <field>`. */
  readonly at: (...field: string[]) => string;
}

interface Fault {
  readonly path: readonly string[];
  readonly text: string;
}

/**
 * Reads the tenants, with defaults filled in.
 *
 * @throws with a line for every fault, in the order of the file: `<file>:<line>: <field>: <what is wrong>`
 */
export function readTenants(file: string): Tenants {
  const lines = new LineCounter();
  const document = parseDocument(textOf(file), { lineCounter: lines, prettyErrors: false, merge: true });
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  refuse(file, unreadable(document).map(({ offset, text }) => ({ line: lineAt(offset), text })));
  const tenants = document.toJS({ maxAliasCount: -1 }) as Tenants;
  refuse(file, faultsOf(tenants).map(({ path, text }) => ({ line: lineAt(position(document, path)), text: path.length > 0 ? `${path.join('.')}: ${text}` : text })));
  return { ...tenants, at: (...field) => `${file}:${String(lineAt(position(document, field)))}: ${field.join('.')}` };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${file}: cannot be read: ${(error as Error).message}`);
  }
}

function refuse(file: string, faults: { readonly line: number; readonly text: string }[]): void {
  if (faults.length > 0) {
    throw new Error(faults.sort((first, second) => first.line - second.line).map(({ line, text }) => `${file}:${String(line)}: ${text}`).join('\n'));
  }
}

/** What is no YAML. */
function unreadable(document: ReturnType<typeof parseDocument>): { readonly offset: number; readonly text: string }[] {
  const faults = document.errors.map(({ code, pos, message }) => ({ offset: pos[0], text: code === 'MULTIPLE_DOCS' ? 'a second document begins; all tenants are in one' : message }));
  visit(document, { Alias: (_, alias) => {
    if (alias.resolve(document) === undefined) {
      faults.push({ offset: startOf(alias) ?? 0, text: `there is no anchor '${alias.source}' before this alias` });
    }
  } });
  return faults;
}

/** What the schema forbids, or else what does not go together. */
function faultsOf(tenants: Tenants): Fault[] {
  const validate = new Ajv({ allErrors: true, useDefaults: true, verbose: true }).compile(schema);
  if (!validate(tenants)) {
    // What is wrong with a name is said by the error that names the rule.
    return validate.errors!.filter(({ keyword }) => keyword !== 'propertyNames').map(schemaFault);
  }
  return Object.entries(tenants.clusters).flatMap(([cluster, environments]) => {
    const members = Object.entries(environments).flatMap(([environment, named]) => Object.entries(named).map(([name, tenant]) => ({ tenant, path: ['clusters', cluster, environment, name] })));
    return [...members.flatMap(({ tenant, path }) => tenantFaults(tenant, cluster, path)), ...sharedHosts(members)];
  });
}

/** Of two Ingresses of one cluster for one host, the controller takes what it likes. */
function sharedHosts(members: readonly { readonly tenant: Tenant; readonly path: readonly string[] }[]): Fault[] {
  const hosts = members.flatMap(({ tenant, path }) => Object.entries(tenant.models).map(([name, { host }]) => ({ host, path: [...path, 'models', name] })));
  return hosts.flatMap(({ host, path }, index) => {
    const first = host === undefined ? index : hosts.findIndex((other) => other.host === host);
    return first === index ? [] : [{ path: [...path, 'host'], text: `is the host of ${hosts[first]!.path.join('.')} as well` }];
  });
}

function schemaFault({ instancePath, keyword, params, propertyName, data, message }: ErrorObject): Fault {
  const path = instancePath.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const { additionalProperty, allowedValues } = params as { additionalProperty?: string; allowedValues?: string[] };
  if (additionalProperty !== undefined) {
    return { path: [...path, additionalProperty], text: 'is not known here' };
  }
  const rule = allowedValues === undefined ? message! : `must be one of ${allowedValues.join(', ')}`;
  if (propertyName !== undefined) {
    return { path: [...path, propertyName], text: `the name ${rule}` };
  }
  return { path, text: keyword === 'required' ? rule : `${rule}, got ${JSON.stringify(data)}` };
}

function tenantFaults({ quota, models }: Tenant, cluster: string, path: readonly string[]): Fault[] {
  const chips = Object.keys(CLUSTERS[cluster]!.chips);
  const foreign = Object.keys(quota).filter((chip) => !chips.includes(chip)).map((chip) => ({ path: [...path, 'quota', chip], text: `cluster ${cluster} has ${chips.join(' and ')}` }));
  const unknown = Object.entries(models).flatMap(([name, served]) => modelFaults(served, chips, [...path, 'models', name]));
  const short = chips.flatMap((chip) => {
    const needed = Object.values(models).filter((served) => served.chip === chip).reduce((sum, { devices, replicas }) => sum + devices * replicas, 0);
    const allowed = quota[chip] ?? 0;
    return needed > allowed ? [{ path: [...path, 'quota'], text: `the servers need ${String(needed)} of ${chip}, but the quota is ${String(allowed)}` }] : [];
  });
  const taken = path.at(-1) === 'weights' ? [{ path, text: 'the name is that of the platform team\'s own namespace' }] : [];
  return [...taken, ...foreign, ...unknown, ...short];
}

function modelFaults({ model, chip, host, clients }: ServedModel, chips: readonly string[], path: readonly string[]): Fault[] {
  const offered = OFFERS.filter((offer) => chips.includes(offer.chip));
  const noOffer = offered.some((offer) => offer.model.name === model && offer.chip === chip) ? [] : [{
    path, text: `${model} on ${chip} is not offered here; there are ${offered.map((offer) => `${offer.model.name} on ${offer.chip}`).join(', ')}`,
  }];
  const unreachable = host !== undefined && clients.length === 0 ? [{ path: [...path, 'host'], text: 'needs the namespace of the ingress controller among \'clients\'' }] : [];
  const taken = path.at(-1) === 'weights' ? [{ path, text: 'the name is that of the volume with the weights' }] : [];
  return [...taken, ...noOffer, ...unreachable];
}

/** Where the last part of a path that is there begins. */
function position(document: Document, path: readonly string[]): number {
  let node: unknown = document.contents;
  let start = startOf(node) ?? 0;
  for (const part of path) {
    const pair = isMap(node) ? node.items.find(({ key }) => String(key) === part) : undefined;
    node = isSeq(node) ? node.items[Number(part)] : pair?.value;
    start = startOf(pair?.key ?? node) ?? start;
  }
  return start;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
