import type { KubernetesObject } from '../workloads/kubernetes-object';
import { ASCEND_SCHEDULING_RULES } from './ascend-scheduling-rules';
import { CONTAINER_RULES } from './container-rules';
import { DELIVERY_RULES } from './delivery-rules';
import { DEVICE_RULES } from './device-rules';
import { examine, type ExaminedObject, nameOf } from './examined-object';
import { fault } from './fault';
import { IGNORE_ANNOTATION, ignoredRules } from './ignored-rules';
import { JOB_RULES } from './job-rules';
import { KUBERNETES_RULES } from './kubernetes-rules';
import { LAUNCH_RULES } from './launch-rules';
import { MINDIE_RULES } from './mindie-rules';
import { ObjectSet } from './object-set';
import { placeInObject } from './pod-template';
import { RANK_TABLE_RULES } from './rank-table-rules';
import type { Finding, Rule } from './rule';
import { SECRET_RULES } from './secret-rules';
import { SERVER_RULES } from './server-rules';
import { VISIBLE_DEVICES_RULES } from './visible-devices-rules';

/** What a rule looks at, in the order of the documentation. */
export const RULE_GROUPS: Readonly<Record<string, readonly Rule[]>> = {
  Devices: DEVICE_RULES,
  'Which devices a container sees': VISIBLE_DEVICES_RULES,
  'Placement by MindCluster': ASCEND_SCHEDULING_RULES,
  'Rank tables': RANK_TABLE_RULES,
  'Jobs of several pods': JOB_RULES,
  'What runs on the devices': [...LAUNCH_RULES, ...MINDIE_RULES],
  Servers: SERVER_RULES,
  Delivery: DELIVERY_RULES,
  Secrets: SECRET_RULES,
  'Containers and mounts': CONTAINER_RULES,
  'What the API server takes': [
    ...KUBERNETES_RULES,
    {
      id: 'ignore-annotation',
      severity: 'warning',
      explanation: `the annotation ${IGNORE_ANNOTATION} names a rule that does not exist, so it ignores nothing`,
      fix: 'write the ids of rules, separated by commas',
      check: ({ object }) => ignoredRules(object).filter((id) => !RULES.some((rule) => rule.id === id))
        .map((id) => fault(`there is no rule '${id}'`, 'metadata', 'annotations', IGNORE_ANNOTATION)),
    },
  ],
};

/** Every rule. */
export const RULES: readonly Rule[] = Object.values(RULE_GROUPS).flat();

const RULES_OF_ONE = RULES.filter(({ comparesObjects }) => comparesObjects !== true);
const RULES_OF_MANY = RULES.filter(({ comparesObjects }) => comparesObjects === true);

/** What the rules find in objects that are applied together, in the objects' order. */
export function checkObjects(objects: readonly KubernetesObject[]): Finding[] {
  return check(objects, RULES);
}

/** What the rules that look at one object alone find. */
export function checkEachObject(objects: readonly KubernetesObject[]): Finding[] {
  return check(objects, RULES_OF_ONE);
}

/** What the rules that compare objects find. They need all objects that are applied together. */
export function compareObjects(objects: readonly KubernetesObject[]): Finding[] {
  return check(objects, RULES_OF_MANY);
}

function check(objects: readonly KubernetesObject[], rules: readonly Rule[]): Finding[] {
  const examined = objects.map(examine);
  const others = new ObjectSet(examined);
  return examined.flatMap((object, index) => {
    const ignored = ignoredRules(object.object);
    const applied = ignored.length === 0 ? rules : rules.filter(({ id }) => !ignored.includes(id));
    return findings(applied, object, others, index);
  });
}

/** A fleet has millions of these checks, and nearly none finds anything. */
function findings(rules: readonly Rule[], object: ExaminedObject, others: ObjectSet, index: number): Finding[] {
  const found: Finding[] = [];
  for (const rule of rules) {
    const faults = rule.check(object, others);
    if (faults.length > 0) {
      found.push(...faults.map(({ message, place }) => ({ rule: rule.id, severity: rule.severity, object: nameOf(object.object), index, message, place: placeInObject(object.object, place) })));
    }
  }
  return found;
}
