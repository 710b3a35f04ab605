// a stand-in
