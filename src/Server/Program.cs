using Lamina.Server;

return await Daemon.RunAsync(args);
