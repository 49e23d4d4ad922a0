/** What is wrong with an access table or a policy; codes are stable. */
export type AccessFaultCode =
  | 'RAT_RECIPIENT_INVALID'
  | 'RAT_DUPLICATE'
  | 'RAT_REPLY_INVALID'
  | 'POLICY_NAME_INVALID'
  | 'POLICY_DUPLICATE'
  | 'POLICY_MEMBER_INVALID'
  | 'POLICY_HEADER_INVALID'
  | 'POLICY_PRIORITY_RANGE'
  | 'POLICY_DEFAULT_CONDITION';

export interface AccessFault {
  readonly code: AccessFaultCode;
  /** Where: `entries[3].recipient`. */
  readonly field: string;
  /** What stood there, cut short. */
  readonly token: string;
  readonly message: string;
}

export function accessFault(code: AccessFaultCode, field: string, token: string, message: string): AccessFault {
  return { code, field, token: token.slice(0, 120), message };
}
