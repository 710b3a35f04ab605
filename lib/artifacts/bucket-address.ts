/** Stores that refuse requests with the bucket in the path; container/fetch/sources/place.py has the same list. */
const VIRTUAL_HOSTS = /\.(myhuaweicloud\.(com|eu)|aliyuncs\.com)$/;

/** Where the scripts put the bucket; undefined leaves it to them, who go by the endpoint. */
export function addressing(virtualHosted: boolean | undefined): 'virtual' | 'path' | undefined {
  return virtualHosted === undefined ? undefined : virtualHosted ? 'virtual' : 'path';
}

/** Throws if the bucket goes into a host name that the store's certificate, with its wildcard for one label, does not cover. */
export function checkBucketHost(endpoint: string, bucket: string, virtualHosted: boolean | undefined): void {
  const { protocol, hostname } = new URL(endpoint);
  if (bucket.includes('.') && protocol === 'https:' && (virtualHosted ?? VIRTUAL_HOSTS.test(hostname))) {
    throw new Error(`'bucket' has dots, so no certificate covers the host ${bucket}.${hostname}, got '${bucket}'; `
      + 'use a bucket without dots, or set \'virtualHosted\' to false if the store takes the bucket in the path');
  }
}
