using Lamina.Tests.Faults;

return await FaultsCommand.RunAsync(args, Console.Out);
