Console.WriteLine("lamina");
