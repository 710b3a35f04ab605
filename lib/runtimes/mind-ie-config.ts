import type { ServeRequest } from './runtime-dialect';

/** Ports of MindIE beside that of the API (Ascend/MindIE-LLM@8b4871ad src/server/conf/config.json). */
export const MANAGEMENT_PORT = 1026;
/** Prometheus reads here. */
export const METRICS_PORT = 1027;
/** Where several nodes of one model would meet; refused for anything else even if there is only one. */
const NODES_PORT = 1120;
export const OWN_PORTS: readonly number[] = [MANAGEMENT_PORT, METRICS_PORT, NODES_PORT];

/** A request of MindIE's time-outs, seconds, unless the server's props say another. */
const TIMEOUT_SECONDS = 600;
/** The longest that MindIE takes for one token, and for a whole request, seconds (MindIE-LLM@378c23f2 service_parameter_configuration.md). */
const LONGEST_TOKEN_SECONDS = 3600;
export const LONGEST_REQUEST_SECONDS = 65535;
/** Connections, for each of which three servers start a thread at once; what upstream recommends (service_parameter_configuration.md there). */
const CONNECTIONS = 300;
/** The least that the scheduler takes for a prefill. */
const PREFILL_TOKENS = 8192;

/**
 * The `config.json` of MindIE. Keys and bounds are those of Ascend/MindIE-LLM@8b4871ad src/server/conf/config.json and its reference of
 * service parameters; what is not said here has upstream's value. TLS ends at the Ingress. The addresses are loopback, because 0.0.0.0 is
 * refused; the pod's own address comes by `MIES_CONTAINER_IP` and `MIES_CONTAINER_MANAGEMENT_IP`.
 *
 * @param weightsPath the folder with the model's `config.json`
 */
export function mindIeConfig(request: ServeRequest, weightsPath: string): string {
  const config = { Version: '1.0.0', ServerConfig: serverConfig(request), BackendConfig: backendConfig(request, weightsPath) };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

function serverConfig({ port, requestTimeoutSeconds = TIMEOUT_SECONDS }: ServeRequest): object {
  return {
    ipAddress: '127.0.0.1', managementIpAddress: '127.0.0.2', port, managementPort: MANAGEMENT_PORT, metricsPort: METRICS_PORT,
    allowAllZeroIpListening: false, maxLinkNum: CONNECTIONS, httpsEnabled: false, fullTextEnabled: false, inferMode: 'standard',
    interCommTLSEnabled: false, interCommPort: 1121, openAiSupport: 'vllm', tokenTimeout: Math.min(requestTimeoutSeconds, LONGEST_TOKEN_SECONDS), e2eTimeout: requestTimeoutSeconds,
    distDPServerEnabled: false, HealthCheckConfig: { npuUsageThreshold: 10 },
  };
}

function backendConfig({ devices, contextLength, model }: ServeRequest, weightsPath: string): object {
  const maxInputTokenLen = contextLength - 1;
  return {
    backendName: 'mindieservice_llm_engine', modelInstanceNumber: 1, npuDeviceIds: [Array.from({ length: devices }, (_, index) => index)],
    tokenizerProcessNumber: 8, multiNodesInferEnabled: false, multiNodesInferPort: NODES_PORT, interNodeTLSEnabled: false,
    ModelDeployConfig: {
      maxSeqLen: contextLength, maxInputTokenLen, truncation: false,
      ModelConfig: [{
        modelInstanceType: 'Standard', modelName: model.name, modelWeightPath: weightsPath, worldSize: devices,
        cpuMemSize: 0, npuMemSize: -1, backendType: 'atb',
        // The code of ChatGLM and GLM-4-9B comes with the weights.
        trustRemoteCode: true,
      }],
    },
    ScheduleConfig: {
      templateType: 'Standard', templateName: 'Standard_LLM', cacheBlockSize: 128,
      maxPrefillBatchSize: 50, maxPrefillTokens: Math.max(PREFILL_TOKENS, maxInputTokenLen), prefillTimeMsPerReq: 150, prefillPolicyType: 0,
      decodeTimeMsPerReq: 50, decodePolicyType: 0, maxBatchSize: 200,
      // The longest answer; upstream's 512 would cut longer ones.
      maxIterTimes: contextLength, maxPreemptCount: 0, supportSelectBatch: false, maxQueueDelayMicroseconds: 5000,
    },
  };
}
