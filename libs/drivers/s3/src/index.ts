export { S3BodyStore } from './s3-body-store.ts';
export type { S3Options } from './s3-options.ts';
