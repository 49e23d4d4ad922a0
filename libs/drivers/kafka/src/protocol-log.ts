import { type logCreator, logLevel } from 'kafkajs';
import type { KafkaLog } from './kafka-options.ts';

/**
 * What kafkajs logs as errors although it belongs to the protocol's ordinary course: a group that rebalances, a
 * coordinator or leader that moves, a broker that restarts. The driver handles each and says itself what matters.
 */
const ORDINARY =
  /rebalanc|coordinator|not aware of this member|generation|leader|not available|ECONNREFUSED|ECONNRESET|Connection (error|timeout)|Closed connection|timed out|not in sync|out of range/i;

/** Leads the log of kafkajs to ours. */
export function protocolLog(log: KafkaLog): logCreator {
  return () => (entry) => {
    const { message, timestamp: _timestamp, logger: _logger, ...detail } = entry.log;
    if (entry.level === logLevel.ERROR || entry.level === logLevel.WARN) {
      const error = typeof detail['error'] === 'string' ? detail['error'] : '';
      log(ORDINARY.test(message) || ORDINARY.test(error) ? 'debug' : 'warn', message, detail);
    } else log('debug', message, detail);
  };
}
