/* A server of Java's JSSE. Words: port, address, PKCS #12 file, then names and values. */
import java.io.*;
import java.net.InetAddress;
import java.security.KeyStore;
import javax.net.ssl.*;

public class Jsse {
  public static void main(String[] words) throws Exception {
    char[] password = "changeit".toCharArray();
    KeyStore keys = KeyStore.getInstance("PKCS12");
    keys.load(new FileInputStream(words[2]), password);
    KeyManagerFactory factory = KeyManagerFactory.getInstance("SunX509");
    factory.init(keys, password);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(factory.getKeyManagers(), null, null);
    SSLServerSocket server = (SSLServerSocket) context.getServerSocketFactory()
        .createServerSocket(Integer.parseInt(words[1]), 50, InetAddress.getByName(words[0]));
    SSLParameters parameters = server.getSSLParameters();
    boolean http = true;
    for (int i = 3; i + 1 < words.length; i += 2) {
      String value = words[i + 1];
      switch (words[i]) {
        case "protocols": parameters.setProtocols(value.split(",")); break;
        case "want": parameters.setWantClientAuth(true); break;
        case "alpn": parameters.setApplicationProtocols(value.split(",")); break;
        case "packet": parameters.setMaximumPacketSize(Integer.parseInt(value)); break;
        case "echo": http = false; break;
      }
    }
    server.setSSLParameters(parameters);
    while (true) {
      SSLSocket one = (SSLSocket) server.accept();
      boolean asked = http;
      new Thread(() -> serve(one, asked)).start();
    }
  }

  static void serve(SSLSocket one, boolean http) {
    try (one) {
      BufferedReader in = new BufferedReader(new InputStreamReader(one.getInputStream()));
      String line;
      while ((line = in.readLine()) != null && !(http && line.isEmpty())) {
        if (!http) one.getOutputStream().write((line + "\n").getBytes());
      }
      if (http) {
        one.getOutputStream().write(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n".getBytes());
      }
    } catch (IOException e) {
      // The client left.
    }
  }
}
