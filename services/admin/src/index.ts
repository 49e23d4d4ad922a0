export { API_PREFIX } from './http/api-server.ts';
export type { ConfigurationDesk } from './http/configuration-desk.ts';
export { UserFile } from './http/user-file.ts';
export { startWebApi, type WebApi, type WebApiOptions } from './http/web-api.ts';
export { type NamedOwner, type OwnerDirectory, QueueOwners } from './queue-owners.ts';
export { addQueueService, QUEUE_SERVICE, type QueueServiceOptions } from './queue-service.ts';
export { RemoteOwner } from './remote-owner.ts';
export { type Admin, type AdminOptions, startAdmin } from './start-admin.ts';
export { TRACKING_SERVICE } from './tracking-service.ts';
