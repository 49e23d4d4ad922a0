import { describe, expect, it } from 'vitest';
import { parameterDraftOf, parameterMisfits, parametersOf } from './parameter-draft.ts';

describe('the parameters of a policy', () => {
  it('keep those without a field, as they were written (R126)', () => {
    const written = { tls: 'required', spam_check: 'on', override_hostname: '', dhap_text: 'a = b' };
    const draft = parameterDraftOf(written);
    expect(draft.parameters).toEqual({ tls: 'required', override_hostname: '' });
    expect(parametersOf(draft)).toEqual(written);
    expect(parameterMisfits(draft, 'x')).toEqual({});
  });

  it('want a name and a value on a line', () => {
    expect(parameterMisfits({ parameters: {}, others: 'spam_check' }, 'x')).toEqual({ others: 'x' });
    expect(parameterMisfits({ parameters: {}, others: '= on' }, 'x')).toEqual({ others: 'x' });
  });
});
