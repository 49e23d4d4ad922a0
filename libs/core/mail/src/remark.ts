/** What each remark says in English, of its parameters. The codes are stable: programs and other languages go by them. */
const REMARKS = {
  ROUTE_TO_OWN_LISTENER: ({ receivingDomain, host }) =>
    `${receivingDomain}: ${host} is a listener of this gateway; its mail would go in a circle`,
  HAT_SOURCES_IDLE: ({ sources }) =>
    `the host access table keeps sources that match nobody, since there is no reputation service or DNS list here: ${sources}`,
  FLOW_PARAMETERS_IDLE: ({ parameters }) =>
    `mail flow policies keep parameters that nothing goes by, such as those of scanning: ${parameters}`,
  LISTENER_UNKNOWN: ({ listener, known }) =>
    `no process that receives mail now has a listener ${listener}; there is ${known}. What is said of it has no effect`,
  FILE_WITHOUT_DEFAULT: () => 'the file has no ALL: the default route becomes empty',
  MODE_BECOMES_COVERING: () =>
    'the table becomes covering: an entry without a dot also stands for the domains below it',
  MODE_BECOMES_DOTTED: () => 'the table becomes dotted: an entry without a dot stands for that domain only',
  SETUP_WITHOUT_HOSTS: ({ domain }) =>
    `${domain}: no hosts given, so no route is made; its mail goes to the hosts that the DNS names`,
  SETUP_ROUTE_STAYS: ({ domain }) =>
    `${domain}: there is a route that the wizard did not make; it stays (mailyard smtproutes edit ${domain})`,
  DKIM_KEY_UNUSABLE: ({ profile, problem }) =>
    `the key of the DKIM signing profile ${profile} cannot be used on this machine: ${problem}`,
  DKIM_KEY_SHORT: ({ profile, bits }) =>
    `the key of the DKIM signing profile ${profile} is RSA of ${bits} bits; 2048 is what is expected of it`,
  TRACKING_KEPT: ({ days, since }) => `messages are kept for ${days} days; the read model was begun ${since}`,
  TRACKING_PUT_ASIDE: ({ file }) => `the read model before could not be read and was put aside: ${file}`,
  TRACKING_READ_AGAIN: ({ partition, reason }) =>
    `partition ${partition}: the log was read from its start again: ${reason}`,
  TRACKING_MISSED: ({ partition, first, last }) =>
    `partition ${partition}: records ${first} to ${last} were trimmed before they were read here`,
  TRACKING_NOTE: ({ text }) => `${text}`,
} satisfies Record<string, (parameters: RemarkParameters) => string>;

export type RemarkParameters = Readonly<Record<string, string | number>>;
export type RemarkCode = keyof typeof REMARKS;

/** Something that is taken as it is and that a person should know. Codes stand in docs/reference/errors.md. */
export interface Remark {
  readonly code: RemarkCode;
  /** What it is about, for those who say it in words of their own. */
  readonly parameters: RemarkParameters;
  /** It in English. */
  readonly message: string;
}

export function makeRemark(code: RemarkCode, parameters: RemarkParameters = {}): Remark {
  return { code, parameters, message: REMARKS[code](parameters) };
}

export function isRemarkCode(text: string): text is RemarkCode {
  return Object.hasOwn(REMARKS, text);
}
