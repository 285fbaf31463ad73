export function generateReference(_root: string): Promise<[string, string][]> {
  return Promise.resolve([]);
}
