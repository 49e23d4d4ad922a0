export { RedisConfigurationLog } from './redis-configuration-log.ts';
export { RedisHostBoard } from './redis-host-board.ts';
export { RedisLimitBoard } from './redis-limit-board.ts';
export type { RedisLocation } from './redis-link.ts';
export { type PresenceCard, RedisPresence } from './redis-presence.ts';
export { RedisTrackerPositions } from './redis-tracker-positions.ts';
export { type PressureBoardOptions, RedisPressureBoard } from './redis-pressure-board.ts';
export { RedisRecipientBoard } from './redis-recipient-board.ts';
