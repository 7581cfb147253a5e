using Lamina.Tests.Crash;

return await CrashCommand.RunAsync(args, Console.Out);
