import { readFileSync } from 'node:fs';
import path from 'node:path';

import type { V1NodeSelectorRequirement } from '@kubernetes/client-node';
import { type Accelerator, DevicePlugin, NodeType } from 'cdk8s-chatglm';

import type { PodFragment } from '../../../lib/pods/pod-fragment';
import { fragmentOf } from '../../support/device-fragment';

type Labels = Readonly<Record<string, string>>;
interface Product { readonly product: string; readonly labels: Labels; readonly 'labelsUpTo26.0'?: Labels; readonly 'labelsFrom26.1'?: Labels }

/** The nodes of the test cluster, whose labels are those of the vendor's documentation and source. */
const NODES = JSON.parse(readFileSync(path.join(__dirname, '../../cluster/conf/nodes.json'), 'utf8')) as Product[];
const VERSIONS = [['26.0', 'labelsUpTo26.0'], ['26.1.0', 'labelsFrom26.1']] as const;
const SERVERS = NodeType.all().filter(({ accelerators: [first] }) => DevicePlugin.mindCluster({ version: '26.0' }).names(first!));

/** Whether a pod may go to a node with the labels. */
function selects({ nodeSelector = {}, affinity }: PodFragment, labels: Labels): boolean {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const holds = ({ key, operator, values }: V1NodeSelectorRequirement): boolean => operator === 'In' && values!.includes(labels[key]!);
  return Object.entries(nodeSelector).every(([key, value]) => labels[key] === value) && terms.every(({ matchExpressions }) => matchExpressions!.every(holds));
}

/** The products whose nodes a pod for a chip in a server may go to. */
function placesOf(nodeType: NodeType, accelerator: Accelerator, version: string, scheme: (typeof VERSIONS)[number][1]): NodeType[] {
  const pod = fragmentOf(DevicePlugin.mindCluster({ version }), { accelerator, nodeType });
  const found = NODES.filter((node) => node[scheme] !== undefined && selects(pod, { ...node.labels, ...node[scheme] }));
  return SERVERS.filter(({ name }) => found.some(({ product }) => product === name));
}

describe.each(VERSIONS)('under MindCluster %s', (version, scheme) => {
  test.each(SERVERS.map((nodeType) => [nodeType.name, nodeType] as const))('a pod for %s may go to its node', (_, nodeType) => {
    expect(nodeType.accelerators.flatMap((accelerator) => placesOf(nodeType, accelerator, version, scheme))).toContain(nodeType);
  });

  test.each(SERVERS.map((nodeType) => [nodeType.name, nodeType] as const))('no pod for %s may go to a server with chips of another series', (_, nodeType) => {
    const wrong = nodeType.accelerators.flatMap((accelerator) => placesOf(nodeType, accelerator, version, scheme)
      .filter(({ accelerators }) => accelerators.every(({ series }) => series !== accelerator.series)));

    expect(wrong.map(String)).toEqual([]);
  });
});
