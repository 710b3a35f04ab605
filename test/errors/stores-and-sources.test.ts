import { Chart, Size, Testing } from 'cdk8s';
import { PersistentVolumeAccessMode, PersistentVolumeClaim, Secret } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import {
  Artifact, ArtifactFormat, DownloadFiles, type DownloadFilesProps, DownloadWeights, type DownloadWeightsProps, GlmModel, MindFormersVersion, ModelStore,
  type ModelStoreProps, Runtime, WeightSource,
} from 'cdk8s-chatglm';

import { messageOf, refuses } from '../support/bad-input';
import { artifact, chartWith, STORE, synthesized } from '../support/synthesized';
import { finetune, FINETUNE, serve } from '../support/workloads';

const SHA256 = 'a'.repeat(64);
const MODEL = GlmModel.CHATGLM3_6B;
const READ_ONLY = { ...STORE, readOnly: true };

const store = (props: ModelStoreProps, id = 'store') => () => new ModelStore(chartWith(), id, props);

describe('stores', () => {
  refuses([
    ['no size and no claim', store({}), '[test/store] a store needs either \'size\' for a new claim or \'existingClaim\', got neither'],
    ['a size and a claim', () => {
      const chart = chartWith();
      const existingClaim = PersistentVolumeClaim.fromClaimName(chart, 'claim', 'weights');
      new ModelStore(chart, 'store', { existingClaim, size: Size.gibibytes(1) });
    }, '[test/store] a store needs either \'size\' for a new claim or \'existingClaim\', got both'],
    ['a negative size', () => store({ size: Size.gibibytes(-400) })(), 'Storage amounts cannot be negative. Received: -400'],
    ['a size of nothing', store({ size: Size.gibibytes(0) }), '[test/store] \'size\' of a store must be positive, got 0Gi'],
    ['no access mode', store({ size: Size.gibibytes(1), accessModes: [] }), '[test/store] \'accessModes\' of a store must not be empty; leave it out for ReadWriteMany'],
    ['a read-only access mode of a store that is written', store({ size: Size.gibibytes(1), accessModes: [PersistentVolumeAccessMode.READ_ONLY_MANY] }), '[test/store] \'readOnly\' must be set for a store whose only access mode is ReadOnlyMany'],
    ['a storage class for a claim that exists', () => {
      const chart = chartWith();
      new ModelStore(chart, 'store', { existingClaim: PersistentVolumeClaim.fromClaimName(chart, 'claim', 'weights'), storageClassName: 'nfs' });
    }, '[test/store] \'storageClassName\' is for a new claim, but \'existingClaim\' is given; leave one of them out'],
    ['a name with a slash', store({ size: Size.gibibytes(1), storeName: '../etc' }), '[test/store] \'storeName\' must be kebab-case, at most 50 characters, got \'../etc\''],
    ['an empty name', store({ size: Size.gibibytes(1), storeName: '' }), '[test/store] \'storeName\' must be kebab-case, at most 50 characters, got \'\''],
    ['a name too long for a volume', store({ size: Size.gibibytes(1), storeName: 'a'.repeat(51) }), '[test/store] \'storeName\' must be kebab-case, at most 50 characters, got \'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\''],
    ['an id with capitals', store({ size: Size.gibibytes(1) }, 'ModelStore'), '[test/ModelStore] \'storeName\' must be kebab-case, at most 50 characters, got \'ModelStore\''],
    ['an id with capitals, but a good name', store({ size: Size.gibibytes(1), storeName: 'models' }, 'ModelStore'), '[test/ModelStore] construct ids become Kubernetes names, so they must be kebab-case like \'finetune-adgen\', got \'ModelStore\''],
    ['a claim that is no name', () => {
      const chart = chartWith();
      const existingClaim = PersistentVolumeClaim.fromClaimName(chart, 'claim', 'My Claim');
      const weights = Artifact.existing({ store: new ModelStore(chart, 'store', { existingClaim }), directory: 'chatglm3', format: ArtifactFormat.HUGGING_FACE });
      new DownloadFiles(chart, 'files', { store: weights.store, source: WeightSource.directory(weights.store, 'mnt'), format: ArtifactFormat.DATASET });
    }, '[test/files] Job/test-files-<digest>: volume \'store-store\' must name an object by lower case letters, digits, \'-\' and \'.\', got \'My Claim\' (rule reference-names)'],
    ['two replicas of a server whose weights are on a ReadWriteOnce store', () => {
      const chart = chartWith();
      const once = new ModelStore(chart, 'store', { size: Size.gibibytes(50), accessModes: [PersistentVolumeAccessMode.READ_WRITE_ONCE] });
      serve({ replicas: 2, weights: Artifact.existing({ store: once, directory: 'chatglm3', format: ArtifactFormat.HUGGING_FACE }) });
    }, '[test/chat] \'replicas\' is 2, but the store \'store\' can be used on one node only; make it ReadWriteMany, or use one replica'],
    ['two replicas on a ReadWriteOncePod store', () => {
      const once = new ModelStore(chartWith(), 'single', { size: Size.gibibytes(50), accessModes: [PersistentVolumeAccessMode.READ_WRITE_ONCE_POD] });
      serve({ replicas: 2, weights: Artifact.existing({ store: once, directory: 'chatglm3', format: ArtifactFormat.HUGGING_FACE }) });
    }, '[test/chat] \'replicas\' is 2, but the store \'single\' can be used on one node only; make it ReadWriteMany, or use one replica'],
    ['two different stores of one name in one pod', () => {
      const chart = chartWith();
      const [first, second] = ['a', 'b'].map((id) => new ModelStore(new Construct(chart, id), 'store', { size: Size.gibibytes(1) }));
      finetune({
        checkpoint: Artifact.existing({ store: first!, directory: 'glm3', format: ArtifactFormat.MINDSPORE }),
        dataset: Artifact.existing({ store: second!, directory: 'adgen', format: ArtifactFormat.DATASET }),
      });
    }, '[test/finetune] two different stores of one pod are called \'store\', and both would be mounted at /artifacts/store; give one another \'storeName\''],
  ]);
});

describe('writing to a read-only store', () => {
  refuses([
    ['weights', () => new DownloadWeights(chartWith(), 'weights', { store: READ_ONLY, model: MODEL, source: WeightSource.huggingFace(MODEL, { revision: 'v1.0' }) }), '[test/weights] \'store\' store is read-only; chatglm3-6b cannot be downloaded to it'],
    ['weights that pods download', () => Artifact.downloadedInPod({ store: READ_ONLY, model: MODEL, source: WeightSource.huggingFace(MODEL, { revision: 'v1.0' }) }), '\'store\' store is read-only; chatglm3-6b cannot be downloaded to it'],
    ['a data set', () => new DownloadFiles(chartWith(), 'adgen', { store: READ_ONLY, source: WeightSource.directory(STORE, 'mnt/adgen'), format: ArtifactFormat.DATASET }), '[test/adgen] \'store\' store is read-only; adgen cannot be downloaded to it'],
    ['checkpoints', () => finetune({ store: READ_ONLY }), '[test/finetune] \'store\' store is read-only; \'finetune\' cannot be written to it'],
    ['checkpoints, the store being that of the checkpoint', () => finetune({
      checkpoint: Artifact.existing({ store: READ_ONLY, directory: 'glm3', format: ArtifactFormat.MINDSPORE }),
    }), '[test/finetune] \'store\' store is read-only; \'finetune\' cannot be written to it'],
  ]);
});

const existing = (directory: string) => () => Artifact.existing({ store: STORE, directory, format: ArtifactFormat.DATASET });

describe('artifacts', () => {
  refuses([
    ['an empty directory', existing(''), '\'directory\' of an existing artifact must be a path inside the store, like \'models/chatglm3-6b\', got \'\''],
    ['an absolute directory', existing('/etc'), '\'directory\' of an existing artifact must be a path inside the store, like \'models/chatglm3-6b\', got \'/etc\''],
    ['a directory above the store', existing('models/../../etc'), '\'directory\' of an existing artifact must be a path inside the store, like \'models/chatglm3-6b\', got \'models/../../etc\''],
    ['a directory that ends in a slash', existing('models/'), '\'directory\' of an existing artifact must be a path inside the store, like \'models/chatglm3-6b\', got \'models/\''],
    ['a format in capitals', () => ArtifactFormat.custom('MindRecord'), 'an artifact format must be kebab-case, like \'mindspore-shards\', got \'MindRecord\''],
    ['a data set where a checkpoint belongs', () => finetune({ checkpoint: artifact(ArtifactFormat.DATASET, 'adgen') }), '[test/finetune] \'checkpoint\' must hold mindspore, got dataset (adgen); convert it by ConvertCheckpoint, or download a ready one'],
    ['a published model where a checkpoint belongs', () => finetune({ checkpoint: artifact(ArtifactFormat.HUGGING_FACE, 'chatglm3') }), '[test/finetune] \'checkpoint\' must hold mindspore, got huggingface (chatglm3); convert it by ConvertCheckpoint, or download a ready one'],
    ['a checkpoint where a data set belongs', () => finetune({ dataset: FINETUNE.checkpoint }), '[test/finetune] \'dataset\' must hold dataset or mindrecord, got mindspore (some-mindspore); DownloadFiles with ArtifactFormat.DATASET or PrepareDataset makes one'],
    ['a data set where a source tree belongs', () => Runtime.mindFormers({ version: MindFormersVersion.COMMIT_3354237, sourceTree: artifact(ArtifactFormat.DATASET) }), '\'sourceTree\' must hold source-tree, got dataset (some-dataset); DownloadFiles with ArtifactFormat.SOURCE_TREE makes one'],
    ['a training file outside the data set', () => finetune({ trainFile: '../secret.json' }), '[test/finetune] \'trainFile\' must be a file inside its artifact, like \'train.json\', got \'../secret.json\''],
    ['an absolute evaluation file', () => finetune({ evalFile: '/etc/passwd' }), '[test/finetune] \'evalFile\' must be a file inside its artifact, like \'train.json\', got \'/etc/passwd\''],
    ['an empty checkpoint file', () => finetune({ checkpointFile: '' }), '[test/finetune] \'checkpointFile\' must be a file inside its artifact, like \'train.json\', got \'\''],
    ['a directory name with capitals', files({ artifactName: 'ADGEN' }), '[test/adgen] \'artifactName\' becomes a directory\'s name, so it must be kebab-case, at most 100 characters, got \'ADGEN\''],
    ['a directory name that climbs', files({ artifactName: '..' }), '[test/adgen] \'artifactName\' becomes a directory\'s name, so it must be kebab-case, at most 100 characters, got \'..\''],
    ['an image without a tag', files({ image: 'python' }), '[test/adgen] \'image\' must be pinned by a full tag or a digest, got \'python\''],
    ['a negative number of retries', files({ backoffLimit: -1 }), '[test/adgen] \'backoffLimit\' must be a whole number from 0, got -1'],
    ['half a retry', files({ backoffLimit: 0.5 }), '[test/adgen] \'backoffLimit\' must be a whole number from 0, got 0.5'],
  ]);
});

function files(props: Partial<DownloadFilesProps>): () => unknown {
  return () => {
    const chart = chartWith();
    new DownloadFiles(chart, 'adgen', { store: STORE, source: WeightSource.directory(STORE, 'mnt/adgen'), format: ArtifactFormat.DATASET, ...props });
    return synthesized(chart);
  };
}

const hub = (options: Parameters<typeof WeightSource.huggingFace>[1]) => () => WeightSource.huggingFace(MODEL, options);

describe('revisions of hubs', () => {
  refuses([
    ['no revision', hub({}), '\'revision\' of chatglm3-6b is missing: give the commit, or a \'runtime\' whose guide names one'],
    ['an empty revision', hub({ revision: '' }), '\'revision\' of chatglm3-6b is empty: give the commit, or a \'runtime\' whose guide names one'],
    ['a blank revision', hub({ revision: '  ' }), '\'revision\' of chatglm3-6b is empty: give the commit, or a \'runtime\' whose guide names one'],
    ['a runtime whose guide names no revision', hub({ runtime: 'mindformers' }), '\'revision\' of chatglm3-6b is missing: give the commit, or a \'runtime\' whose guide names one'],
    ['the branch main', hub({ revision: 'main' }), '\'revision\' \'main\' of chatglm3-6b moves: give a commit, or set \'trustOnFirstUse\' to keep what the first download sees'],
    ['the branch main in capitals', hub({ revision: 'MAIN' }), '\'revision\' \'MAIN\' of chatglm3-6b moves: give a commit, or set \'trustOnFirstUse\' to keep what the first download sees'],
    ['a branch by its full name', hub({ revision: 'refs/heads/release' }), '\'revision\' \'refs/heads/release\' of chatglm3-6b moves: give a commit, or set \'trustOnFirstUse\' to keep what the first download sees'],
    ['HEAD', hub({ revision: 'HEAD' }), '\'revision\' \'HEAD\' of chatglm3-6b moves: give a commit, or set \'trustOnFirstUse\' to keep what the first download sees'],
    ['a revision that climbs', hub({ revision: '../../other/resolve/main' }), '\'revision\' must be a commit, tag or branch, got \'../../other/resolve/main\''],
    ['a revision that is an option', hub({ revision: '--upload-pack=evil' }), '\'revision\' must be a commit, tag or branch, got \'--upload-pack=evil\''],
    ['a revision with a query', hub({ revision: 'v1.0?download=1' }), '\'revision\' must be a commit, tag or branch, got \'v1.0?download=1\''],
    ['a ModelScope branch', () => WeightSource.modelScope(MODEL, { revision: 'master' }), '\'revision\' \'master\' of chatglm3-6b moves: give a tag, or set \'trustOnFirstUse\' to keep what the first download sees'],
    ['a ModelScope repository at the commit of a Hugging Face guide', () => WeightSource.modelScope(GlmModel.CHATGLM2_6B, { runtime: 'atb-models', repository: 'ZhipuAI/chatglm2-6b' }), '\'revision\' of chatglm2-6b is missing: give a tag of the ModelScope repository; the commits that guides name are Hugging Face\'s'],
    ['an empty ModelScope revision', () => WeightSource.modelScope(MODEL, { revision: '' }), '\'revision\' of chatglm3-6b is empty: give a tag of the ModelScope repository; the commits that guides name are Hugging Face\'s'],
    ['a model that ModelScope does not have', () => WeightSource.modelScope(GlmModel.CHATGLM_6B, { revision: 'v1.0' }), '\'repository\' of a modelscope source must look like \'owner/name\', got none, and no modelscope repository of chatglm-6b is known'],
    ['a repository without an owner', hub({ repository: 'chatglm3-6b', revision: 'v1.0' }), '\'repository\' of a huggingface source must look like \'owner/name\', got \'chatglm3-6b\''],
    ['a repository that is a URL', hub({ repository: 'https://hub.example/THUDM/chatglm3-6b', revision: 'v1.0' }), '\'repository\' of a huggingface source must look like \'owner/name\', got \'https://hub.example/THUDM/chatglm3-6b\''],
    ['a repository that climbs', hub({ repository: '../..', revision: 'v1.0' }), '\'repository\' of a huggingface source must look like \'owner/name\', got \'../..\''],
    ['an endpoint that is no URL', hub({ revision: 'v1.0', endpoint: 'hf-mirror.example' }), '\'endpoint\' must be an http or https URL, got \'hf-mirror.example\''],
    ['an endpoint with a password, which the message must not repeat', hub({ revision: 'v1.0', endpoint: 'https://me:hunter2@hub.example' }), '\'endpoint\' must not carry a user name or password (it would stand in the manifest): hub.example; use a Secret'],
    ['a token secret that is no name', () => {
      const chart = chartWith();
      const tokenSecret = Secret.fromSecretName(chart, 'token', 'HF Token');
      new DownloadWeights(chart, 'weights', { store: STORE, model: MODEL, source: WeightSource.huggingFace(MODEL, { revision: 'v1.0', tokenSecret }) });
    }, '[test/weights] Job/test-weights-<digest>: variable \'HF_TOKEN\' must name an object by lower case letters, digits, \'-\' and \'.\', got \'HF Token\' (rule reference-names)'],
  ]);
});

const http = (url: string, path?: string, sha256: string | undefined = SHA256) => () => WeightSource.http({ files: [{ url, path, sha256 }] });

describe('single files, archives and directories', () => {
  refuses([
    ['no files', () => WeightSource.http({ files: [] }), '\'files\' of an http source must not be empty'],
    ['a file without a checksum', () => WeightSource.http({ files: [{ url: 'https://x.example/glm3_6b.ckpt' }] }), '\'sha256\' of https://x.example/glm3_6b.ckpt is missing: give it, or set \'trustOnFirstUse\' to record what the first download sees'],
    ['a checksum of another kind', http('https://x.example/a', undefined, 'd41d8cd98f00b204e9800998ecf8427e'), '\'sha256\' of https://x.example/a must be 64 lower case hexadecimal digits, got \'d41d8cd98f00b204e9800998ecf8427e\''],
    ['a checksum in capitals', http('https://x.example/a', undefined, 'A'.repeat(64)), '\'sha256\' of https://x.example/a must be 64 lower case hexadecimal digits, got \'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\''],
    ['a file of this machine', http('file:///etc/shadow'), '\'url\' must be an http or https URL, got \'file:///etc/shadow\''],
    ['a URL with a password, which the message must not repeat', http('https://me:hunter2@x.example/a'), '\'url\' must not carry a user name or password (it would stand in the manifest): x.example; use a Secret'],
    ['no URL', http('glm3_6b.ckpt'), '\'url\' must be an http or https URL, got \'glm3_6b.ckpt\''],
    ['a URL without a file name', http('https://x.example/'), '\'path\' is needed for https://x.example/, whose URL ends in no file name'],
    ['a path above the artifact', http('https://x.example/a', '../../etc/cron.d/a'), '\'path\' of an http file must be a path inside the artifact, like \'glm3_6b.ckpt\', got \'../../etc/cron.d/a\''],
    ['an absolute path', http('https://x.example/a', '/etc/passwd'), '\'path\' of an http file must be a path inside the artifact, like \'glm3_6b.ckpt\', got \'/etc/passwd\''],
    ['a path above the artifact, hidden in the URL', http('https://x.example/..%2F..%2Fa'), '\'path\' of an http file must be a path inside the artifact, like \'glm3_6b.ckpt\', got \'../../a\''],
    ['a path with a backslash, hidden in the URL', http('https://x.example/..%5Ca'), '\'path\' of an http file must be a path inside the artifact, like \'glm3_6b.ckpt\', got \'..\\a\''],
    ['two files of one name', () => WeightSource.http({ files: [{ url: 'https://x.example/a/b', sha256: SHA256 }, { url: 'https://y.example/b', sha256: SHA256 }] }), 'two files of an http source have the path \'b\'; give each a \'path\' of its own'],
    ['an archive without a checksum', () => WeightSource.archive({ url: 'https://x.example/a.zip' }), '\'sha256\' of https://x.example/a.zip is missing: give it, or set \'trustOnFirstUse\' to record what the first download sees'],
    ['an archive of negative depth', () => WeightSource.archive({ url: 'https://x.example/a.zip', sha256: SHA256, stripComponents: -1 }), '\'stripComponents\' must be a whole number from 0, got -1'],
    ['an archive by ftp', () => WeightSource.archive({ url: 'ftp://x.example/a.zip', sha256: SHA256 }), '\'url\' must be an http or https URL, got \'ftp://x.example/a.zip\''],
    ['an abbreviated commit', () => WeightSource.gitHubCommit('mindspore-lab/mindformers', '3354237'), 'a GitHub source needs \'owner/name\' and a commit of 40 hexadecimal digits, got \'mindspore-lab/mindformers\' and \'3354237\''],
    ['a GitHub repository by URL', () => WeightSource.gitHubCommit('https://github.com/a/b', 'a'.repeat(40)), 'a GitHub source needs \'owner/name\' and a commit of 40 hexadecimal digits, got \'https://github.com/a/b\' and \'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\''],
    ['a GitHub repository that climbs', () => WeightSource.gitHubCommit('../..', 'a'.repeat(40)), 'a GitHub source needs \'owner/name\' and a commit of 40 hexadecimal digits, got \'../..\' and \'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\''],
    ['an absolute directory', () => WeightSource.directory(STORE, '/mnt/weights'), '\'path\' of a directory source must be inside the store, like \'models/chatglm3-6b\', got \'/mnt/weights\''],
    ['a directory that leaves the store', () => WeightSource.directory(STORE, '../weights'), '\'path\' of a directory source must be inside the store, like \'models/chatglm3-6b\', got \'../weights\''],
  ]);
});

const git = (url: string, revision = 'a'.repeat(40)) => () => WeightSource.gitLfs({ url, revision });
const s3 = (bucket: string, prefix: string, endpoint = 'https://obs.example') => () => WeightSource.s3({ endpoint, bucket, prefix, version: '1' });

describe('git and object stores', () => {
  refuses([
    ['a branch of git', git('https://git.example/glm', 'main'), '\'revision\' of https://git.example/glm must be a commit of 40 hexadecimal digits, got \'main\''],
    ['a git repository by ssh', git('ssh://git@git.example/glm'), '\'url\' must be an http or https URL, got \'ssh://git@git.example/glm\''],
    ['a git repository with a password, which the message must not repeat', git('https://me:hunter2@git.example/glm'), '\'url\' must not carry a user name or password (it would stand in the manifest): git.example; use a Secret'],
    ['no bucket', s3('', 'glm'), 'an s3 source needs a \'bucket\' and a \'prefix\', got \'\' and \'glm\''],
    ['a bucket in capitals', s3('Models', 'glm'), 'an s3 source needs a \'bucket\' and a \'prefix\', got \'Models\' and \'glm\''],
    ['a bucket with dots in the host of Huawei OBS', s3('my.models', 'glm', 'https://obs.cn-north-4.myhuaweicloud.com'), '\'bucket\' has dots, so no certificate covers the host my.models.obs.cn-north-4.myhuaweicloud.com, got \'my.models\'; use a bucket without dots, or set \'virtualHosted\' to false if the store takes the bucket in the path'],
    ['a bucket with dots in the host of Huawei OBS in Europe', s3('my.models', 'glm', 'https://obs.eu-west-101.myhuaweicloud.eu:443/'), '\'bucket\' has dots, so no certificate covers the host my.models.obs.eu-west-101.myhuaweicloud.eu, got \'my.models\'; use a bucket without dots, or set \'virtualHosted\' to false if the store takes the bucket in the path'],
    ['a bucket with dots in the host of Alibaba OSS', s3('my.models', 'glm', 'https://oss-cn-hangzhou.aliyuncs.com'), '\'bucket\' has dots, so no certificate covers the host my.models.oss-cn-hangzhou.aliyuncs.com, got \'my.models\'; use a bucket without dots, or set \'virtualHosted\' to false if the store takes the bucket in the path'],
    ['a bucket with dots in the host of a store that is said to want it there', () => WeightSource.s3({ endpoint: 'https://s3.corp.example', bucket: 'my.models', prefix: 'glm', version: '1', virtualHosted: true }), '\'bucket\' has dots, so no certificate covers the host my.models.s3.corp.example, got \'my.models\'; use a bucket without dots, or set \'virtualHosted\' to false if the store takes the bucket in the path'],
    ['no prefix, which would be the whole bucket', s3('models', ''), 'an s3 source needs a \'bucket\' and a \'prefix\', got \'models\' and \'\''],
    ['a prefix of slashes', s3('models', '//'), 'an s3 source needs a \'bucket\' and a \'prefix\', got \'models\' and \'//\''],
    ['an object store by another protocol', s3('models', 'glm', 's3://models/glm'), '\'endpoint\' must be an http or https URL, got \'s3://models/glm\''],
    ['two tokens in one variable', () => {
      const secrets = new Chart(Testing.app(), 'secrets');
      const [source, mirror] = ['one', 'two'].map((name) => WeightSource.huggingFace(MODEL, { revision: 'v1.0', tokenSecret: Secret.fromSecretName(secrets, name, name) }));
      new DownloadWeights(chartWith(), 'weights', { store: STORE, model: MODEL, source: source!, mirrors: [mirror!] });
    }, '[test/weights] sources of one kind must share their token: HF_TOKEN would be from the secrets \'two\' and \'one\'; use one Secret and key for both'],
  ]);
});

function weights(props: Partial<DownloadWeightsProps>): () => unknown {
  return () => new DownloadWeights(chartWith(), 'weights', { store: STORE, model: MODEL, source: WeightSource.huggingFace(MODEL, { revision: 'v1.0' }), ...props });
}

describe('which files, and how fast', () => {
  refuses([
    ['no connection', weights({ connections: 0 }), '[test/weights] \'connections\' must be a whole number from 1 to 64, got 0'],
    ['a hundred connections', weights({ connections: 100 }), '[test/weights] \'connections\' must be a whole number from 1 to 64, got 100'],
    ['half a connection', files({ connections: 1.5 }), '[test/adgen] \'connections\' must be a whole number from 1 to 64, got 1.5'],
    ['a rate of nothing', weights({ rateLimit: Size.kibibytes(0) }), '[test/weights] \'rateLimit\' must be at least 1 KiB a second, got 0Ki'],
    ['an empty pattern', weights({ include: [''] }), '[test/weights] a file pattern must be a glob inside the repository, like \'*.py\', got \'\''],
    ['an absolute pattern', weights({ exclude: ['/etc/*'] }), '[test/weights] a file pattern must be a glob inside the repository, like \'*.py\', got \'/etc/*\''],
    ['a pattern that climbs', weights({ include: ['../*'] }), '[test/weights] a file pattern must be a glob inside the repository, like \'*.py\', got \'../*\''],
    ['a pattern that is an option', weights({ exclude: ['--verify'] }), '[test/weights] a file pattern must be a glob inside the repository, like \'*.py\', got \'--verify\''],
    ['a needed file that is an option', files({ require: ['--deadline'] }), '[test/adgen] a file pattern must be a glob inside the repository, like \'*.py\', got \'--deadline\''],
    ['a needed file above the artifact', files({ require: ['../train.json'] }), '[test/adgen] a file pattern must be a glob inside the repository, like \'*.py\', got \'../train.json\''],
    ['no remote code', weights({ exclude: ['*.py'] }), '[test/weights] \'exclude\' has \'*.py\', which drops configuration_chatglm.py; chatglm3-6b does not load without it'],
    ['configuration only', weights({ include: ['*.json'] }), '[test/weights] \'include\' (*.json) drops tokenizer.model; chatglm3-6b does not load without it'],
  ]);
});

test('a mistake in a nested construct is reported by its whole path', () => {
  const team = new Construct(new Construct(chartWith(), 'teams'), 'llm');

  expect(messageOf(() => new ModelStore(team, 'store', {}))).toBe('[test/teams/llm/store] a store needs either \'size\' for a new claim or \'existingClaim\', got neither');
});
