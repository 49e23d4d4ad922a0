/** What is wrong with an access table or a policy; codes are stable. */
export type AccessFaultCode =
  | 'RAT_RECIPIENT_INVALID'
  | 'RAT_DUPLICATE'
  | 'RAT_REPLY_INVALID'
  | 'RAT_SYNTAX'
  | 'POLICY_NAME_INVALID'
  | 'POLICY_DUPLICATE'
  | 'POLICY_MEMBER_INVALID'
  | 'POLICY_HEADER_INVALID'
  | 'POLICY_PRIORITY_RANGE'
  | 'POLICY_DEFAULT_CONDITION'
  | 'HAT_ROW_INVALID'
  | 'HAT_SOURCE_INVALID'
  | 'HAT_POLICY_UNKNOWN'
  | 'HAT_OPEN_RELAY'
  | 'HAT_SYNTAX'
  | 'FLOW_NAME_INVALID'
  | 'FLOW_DUPLICATE'
  | 'FLOW_PARAMETER_INVALID'
  | 'GATEWAY_SENDER_INVALID'
  | 'GATEWAY_NAME_INVALID'
  | 'ITEM_INVALID';

export interface AccessFault {
  readonly code: AccessFaultCode;
  /** Where: `entries[3].recipient`. */
  readonly field: string;
  /** What stood there, cut short. */
  readonly token: string;
  readonly message: string;
  /** Line of a file, from 1. */
  readonly line?: number;
}

export function accessFault(code: AccessFaultCode, field: string, token: string, message: string): AccessFault {
  return { code, field, token: token.slice(0, 120), message };
}
