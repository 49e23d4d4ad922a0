import { describe, expect, it } from 'vitest';
import { draftOf, editsOf, emptyDraft, faultsOf, routeOf } from './route-draft.ts';

describe('the draft of a route', () => {
  it.each([
    [{ receivingDomain: 'a.example', destinations: ['b.example:26', '2001:db8::5/pri=1'], authProfile: 'edge' }],
    [{ receivingDomain: '.a.example', destinations: ['USEDNS'] }],
    [{ receivingDomain: '[192.0.2.1]', destinations: ['/dev/null'] }],
    [{ receivingDomain: 'ALL', destinations: [] }],
  ])('of an entry means that entry', (route) => {
    expect(routeOf(draftOf(route))).toEqual(route);
  });

  it('leaves out blank rows', () => {
    const draft = draftOf({ receivingDomain: 'a.example', destinations: ['b.example'] });
    expect(routeOf({ ...draft, rows: [...emptyDraft().rows, ...draft.rows] }).destinations).toEqual(['b.example']);
  });

  it('adds the twin that the box asks for (R38)', () => {
    const draft = { ...draftOf({ receivingDomain: 'a.example', destinations: ['b.example'] }), hasTwin: true };
    expect(editsOf(draft, 'covering', undefined)[1]).toMatchObject({
      route: { receivingDomain: '.a.example', destinations: ['USEDNS'] },
    });
    expect(editsOf(draft, 'dotted', undefined)[1]).toMatchObject({
      route: { receivingDomain: '.a.example', destinations: ['b.example'] },
    });
  });

  it('takes the place of the entry that was edited under another name', () => {
    const draft = draftOf({ receivingDomain: 'new.example', destinations: ['b.example'] });
    expect(editsOf(draft, 'covering', 'old.example')).toEqual([
      {
        kind: 'set',
        route: { receivingDomain: 'new.example', destinations: ['b.example'] },
        expect: 'absent',
        replaces: 'old.example',
      },
    ]);
    expect(editsOf(draft, 'covering', 'new.example')[0]).toMatchObject({ expect: 'present' });
  });

  it('finds the faults of a field, also as a submission names it; what names none stands at the domain', () => {
    const fault = (field: string) => ({ code: 'X', message: field, field });
    const faults = ['edits[0].route.destinations[1]', 'destinations', 'receivingDomain', 'authProfile', 'file'].map(
      fault,
    );
    const texts = (field: string): string[] => faultsOf(faults, field).map(({ message }) => message);
    expect(texts('destinations[1]')).toEqual(['edits[0].route.destinations[1]']);
    expect(texts('destinations')).toEqual(['destinations']);
    expect(texts('receivingDomain')).toEqual(['receivingDomain', 'file']);
    expect(texts('authProfile')).toEqual(['authProfile']);
  });
});
