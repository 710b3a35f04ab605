import { Size } from 'cdk8s';
import { Construct } from 'constructs';

import {
  Accelerator, DevicePlugin, GlmModel, InferenceDeployment, RankTable, Runtime, Scheduler, WeightSource, WorkloadKind,
} from 'cdk8s-chatglm';

import { refuses } from '../support/bad-input';
import { chartWith, everyVendor } from '../support/synthesized';
import { finetune, serve } from '../support/workloads';

const MODEL = GlmModel.CHATGLM2_6B;
const onSlice = (accelerator: Accelerator, devicePlugin: DevicePlugin) => () => serve({ model: MODEL, accelerator, devicePlugin });
const CCE = { ...everyVendor(), devicePlugins: [DevicePlugin.cce()], scheduler: Scheduler.volcano() };

refuses([
  [
    'a HAMi slice that is too small', onSlice(Accelerator.ASCEND_910B3, DevicePlugin.hami({ deviceMemory: Size.gibibytes(8) })),
    '[test/chat] chatglm2-6b needs 12.4 GiB on each of 1 devices to serve in float16 with 1 x 2048 tokens, and the slice of Ascend910B3 has 8.0 GiB: 4.4 GiB too little; '
      + 'splitting the model over 2 times as many devices would fit, or set \'skipMemoryCheck\'',
  ],
  [
    'a virtual device whose name tells its memory', onSlice(Accelerator.ASCEND_910B4, DevicePlugin.mindCluster({ version: '26.0', virtualDevice: 'vir05_1c_8g' })),
    '[test/chat] no node type of the platform has Ascend910B4; it has Atlas 800T A2, Atlas 800 9000, Atlas 300I Duo server, MLU370-X8 server, SC7 HP75 server',
  ],
  [
    'a virtual device with a share of the cores', onSlice(Accelerator.ASCEND_310P_300I_DUO_48G, DevicePlugin.mindCluster({ version: '26.0', virtualDevice: 'vir02' })),
    '[test/chat] chatglm2-6b needs 12.4 GiB on each of 1 devices to serve in float16 with 1 x 2048 tokens, and the slice of Ascend310P 300I Duo 48G has 6.0 GiB: 6.4 GiB too little; '
      + 'splitting the model over 4 times as many devices would fit, or set \'skipMemoryCheck\'',
  ],
  [
    'an operator\'s rank table where no operator fills it', () => finetune({ workload: WorkloadKind.VOLCANO_JOB, rankTable: RankTable.OPERATOR }, CCE),
    '[test/finetune] \'rankTable\' of the workload VolcanoJob must be one of generated, file, none, got operator: no operator that comes with CCE fills it',
  ],
  [
    'objects of an S3 store that nothing pins', () => WeightSource.s3({ endpoint: 'https://obs.example', bucket: 'models', prefix: 'glm' }),
    '\'version\' of s3 models/glm is missing: give what tells this state of the objects from another, or set \'trustOnFirstUse\'',
  ],
  [
    'a construct where the scripts\' ConfigMap goes', () => {
      const chart = chartWith();
      new Construct(chart, 'scripts-serve-model');
      new InferenceDeployment(chart, 'chat', { model: MODEL, runtime: Runtime.echo() });
    },
    '[test/chat] the chart \'test\' has a construct \'scripts-serve-model\' already, where the ConfigMap with these scripts goes; give it another id',
  ],
]);

test('a Volcano Job generates its rank table where no operator fills one', () => {
  const job = JSON.stringify(finetune({ workload: WorkloadKind.VOLCANO_JOB }, CCE));

  expect(job).toContain('"--rank-table","generated"');
  expect(job).not.toContain('rings-config');
});

test('a slice that is large enough passes', () => {
  expect(() => serve({ model: MODEL, accelerator: Accelerator.ASCEND_910B3, devicePlugin: DevicePlugin.hami({ deviceMemory: Size.gibibytes(16) }) })).not.toThrow();
});
