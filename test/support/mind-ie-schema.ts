import Ajv from 'ajv';

const port = { type: 'integer', minimum: 1024, maximum: 65535 };
const positive = { type: 'integer', minimum: 1 };
const flag = { type: 'boolean' };
const seconds = (maximum: number): object => ({ type: 'integer', minimum: 1, maximum });

function object(properties: Record<string, object>): object {
  return { type: 'object', required: Object.keys(properties), additionalProperties: false, properties };
}

/**
 * The facts that are known of MindIE's `config.json`: keys, types and bounds (Ascend/MindIE-LLM@8b4871ad src/server/conf/config.json and its reference of service
 * parameters). TLS is left out, since what stands in front of the pods ends it.
 */
const SCHEMA = object({
  Version: { const: '1.0.0' },
  ServerConfig: object({
    ipAddress: { const: '127.0.0.1' }, managementIpAddress: { const: '127.0.0.2' }, port, managementPort: port, metricsPort: port,
    allowAllZeroIpListening: { const: false }, maxLinkNum: { type: 'integer', minimum: 1, maximum: 4096 }, httpsEnabled: { const: false }, fullTextEnabled: flag,
    inferMode: { enum: ['standard', 'dmi'] }, interCommTLSEnabled: { const: false }, interCommPort: port, openAiSupport: { enum: ['vllm', 'openai'] },
    tokenTimeout: seconds(3600), e2eTimeout: seconds(65535), distDPServerEnabled: { const: false },
    HealthCheckConfig: object({ npuUsageThreshold: { type: 'integer', minimum: 0, maximum: 100 } }),
  }),
  BackendConfig: object({
    backendName: { const: 'mindieservice_llm_engine' }, modelInstanceNumber: { const: 1 },
    npuDeviceIds: { type: 'array', minItems: 1, maxItems: 1, items: { type: 'array', minItems: 1, uniqueItems: true, items: { type: 'integer', minimum: 0 } } },
    tokenizerProcessNumber: { type: 'integer', minimum: 1, maximum: 32 }, multiNodesInferEnabled: { const: false }, multiNodesInferPort: port, interNodeTLSEnabled: { const: false },
    ModelDeployConfig: object({
      maxSeqLen: positive, maxInputTokenLen: positive, truncation: flag,
      ModelConfig: {
        type: 'array', minItems: 1, maxItems: 1,
        items: object({
          modelInstanceType: { enum: ['Standard', 'StandardMock'] }, modelName: { type: 'string', minLength: 1 }, modelWeightPath: { type: 'string', pattern: '^/' }, worldSize: positive,
          cpuMemSize: { type: 'integer', minimum: 0 }, npuMemSize: { type: 'integer', minimum: -1 }, backendType: { enum: ['atb', 'torch', 'ms'] }, trustRemoteCode: { const: true },
        }),
      },
    }),
    ScheduleConfig: object({
      templateType: { enum: ['Standard', 'Mix'] }, templateName: { const: 'Standard_LLM' }, cacheBlockSize: { type: 'integer', minimum: 1, maximum: 128 },
      maxPrefillBatchSize: positive, maxPrefillTokens: { type: 'integer', minimum: 5120, maximum: 2097152 }, prefillTimeMsPerReq: { type: 'integer', minimum: 0, maximum: 1000 },
      prefillPolicyType: { enum: [0, 1, 3] }, decodeTimeMsPerReq: { type: 'integer', minimum: 0, maximum: 1000 }, decodePolicyType: { enum: [0, 1, 3] },
      maxBatchSize: { type: 'integer', minimum: 1, maximum: 5000 }, maxIterTimes: positive, maxPreemptCount: { type: 'integer', minimum: 0 }, supportSelectBatch: flag,
      maxQueueDelayMicroseconds: { type: 'integer', minimum: 500, maximum: 1000000 },
    }),
  }),
});

const validate = new Ajv({ allErrors: true, strict: true }).compile(SCHEMA);

/** What is wrong with a configuration of MindIE, by these facts; nothing is an empty list. */
export function mindIeFaults(config: unknown): string[] {
  validate(config);
  return (validate.errors ?? []).map(({ instancePath, message = '' }) => `${instancePath} ${message}`);
}
