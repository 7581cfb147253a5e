namespace Lamina.Server;

internal static class Daemon
{
    public static async Task<int> RunAsync(string[] args)
    {
        var app = WebApplication.CreateSlimBuilder(args).Build();
        await app.RunAsync();
        return 0;
    }
}
