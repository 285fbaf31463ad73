import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';

export const define: Define = (command, act) => {
  command
    .addHelpText('after', examples(['open the dashboard signed in', 'xdg-open "$(autodev login)"']))
    .action(act(login));
};

async function login({ connect, output }: Context): Promise<void> {
  const api = await connect();
  const { path } = await api.post<{ path: string }>('/logins');
  const url = new URL(path, api.url).href;
  output.answer({ url }, () => url);
}
