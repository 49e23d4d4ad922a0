export { CachedPolicies, type CachedPoliciesOptions } from './cached-policies.ts';
export { PolicyFile } from './policy-file.ts';
export { PolicyHost, type PolicyHostOptions } from './policy-host.ts';
