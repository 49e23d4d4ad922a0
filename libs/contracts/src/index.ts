export * from './queue-record-codec.ts';
export { EVENT_WORDS, eventJson, eventKindOf } from './event-json.ts';
export { WireWriter } from './wire-writer.ts';
export * from './change-set-codec.ts';
export {
  readAccessItem,
  readPlainItem,
  writeAuthProfile,
  writeBounceProfile,
  writeVirtualGateway,
  writeDestinationControl,
  writeMailPolicy,
  writeRecipientAccess,
} from './configuration-item-codec.ts';
export {
  readHostAccess,
  readMailFlowPolicy,
  writeHostAccess,
  writeMailFlowPolicy,
} from './host-access-codec.ts';
export { readBounceKey, writeBounceKey } from './bounce-key-codec.ts';
export { readUnsubscribed, writeUnsubscribed } from './unsubscribed-codec.ts';
export { readDkimProfile, writeDkimProfile } from './dkim-codec.ts';
export { readSuspension, writeSuspension } from './suspension-codec.ts';
export { readAlias, readDomainMapping, writeAlias, writeDomainMapping } from './rewriting-codec.ts';
export * from './route-decision-codec.ts';
export {
  DANE_USES,
  MTA_STS_USES,
  readDaneUse,
  readMtaStsUse,
  readTlsUse,
  TLS_USES,
  type TlsUse,
  writeDaneUse,
  writeMtaStsUse,
  writeTlsUse,
} from './tls-use.ts';
export * as changeSetWire from './gen/mailyard/routing/v1/change_set.ts';
export * as configurationWire from './gen/mailyard/routing/v1/configuration.ts';
export * as routingWire from './gen/mailyard/routing/v1/routing.ts';
export { readDescriptors } from './descriptors.ts';
