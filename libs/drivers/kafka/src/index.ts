export { KafkaQueueLog } from './kafka-queue-log.ts';
export type { KafkaLog, KafkaQueueLogOptions } from './kafka-options.ts';
