import { ApiObject, JsonPatch } from 'cdk8s';
import type { InferenceDeployment } from 'cdk8s-chatglm';

export function askForFourDevices(deployment: InferenceDeployment): void {
  const resources = '/spec/template/spec/containers/0/resources';
  ApiObject.of(deployment).addJsonPatch(
    JsonPatch.replace(`${resources}/limits/huawei.com~1Ascend910`, 4),
    JsonPatch.replace(`${resources}/requests/huawei.com~1Ascend910`, 4),
  );
}
